"""What detectors of leaks share: equal contents, nearest samples, prediction of the target by one column."""
