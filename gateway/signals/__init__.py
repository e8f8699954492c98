"""Numbers from the samples of an ECG: how good they are, and what can be measured in them. Never a diagnosis."""
