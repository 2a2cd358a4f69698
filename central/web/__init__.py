"""The pages people look at: server-rendered, refreshed by htmx, plots by uPlot."""
