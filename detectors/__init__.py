"""What drift is: pure numpy and SciPy; no IO, no clock, no logging."""
