"""From results to text. Pure: bodies and the time come in, lines go out. What a terminal may not see is removed later,
where it is known that there is one."""
