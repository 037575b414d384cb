"""Is B better than A, and by how much? Paired, by groups, and over runs with several seeds."""

from intarsia.evaluate.comparison.paired import compare
from intarsia.evaluate.comparison.result import Comparison
from intarsia.evaluate.comparison.seeds import RunsSummary, summarize_runs
from intarsia.evaluate.comparison.verdict import notes, runs_verdict, verdict

__all__ = ["Comparison", "RunsSummary", "compare", "notes", "runs_verdict", "summarize_runs", "verdict"]
