"""What goes over the wire: requests refuse unknown fields, answers are made from rows by `of`."""
