"""Public comparisons: data sets under the protocol of published figures, run by the real pipeline (`make public`)."""
