"""What people are to the portal: the roles they hold, and what happens when they leave."""
