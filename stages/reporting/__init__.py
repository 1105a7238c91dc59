"""The static report: figures by matplotlib, findings in words, one page."""
