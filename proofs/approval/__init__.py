"""What a person signs and how: the statement, its challenge, the passkey's answer, the enrolment, the record around it."""
