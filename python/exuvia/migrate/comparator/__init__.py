"""The comparator as a function, and the test of the comparator itself."""
