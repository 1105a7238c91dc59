"""The static report: figures as small hand-drawn SVG, findings in words, one page."""
