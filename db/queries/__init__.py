"""Queries, by subject. Session first, filters keyword-only; none commits."""
