"""Files of many pieces of evidence: taken in, followed, and judged as a set where they are one."""
