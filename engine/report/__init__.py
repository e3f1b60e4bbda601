"""One HTML page that says what a run answers, what was assumed and how it was computed."""
