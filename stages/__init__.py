"""The stages of the graph: each computes, none orchestrates, none tracks."""
