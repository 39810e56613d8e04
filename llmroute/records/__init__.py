"""The values that cross rooms: frozen, plain, and touching nothing outside themselves.

Every name is imported from here. The modules are the nouns, and each imports only what stands
before it in the stream: suites and candidates are read, calls are planned, answered, scored and
compared, and the routes that are chosen are written, compared and gated.
"""

from llmroute.records.call import Call, Completion, Failure
from llmroute.records.candidate import Candidate, Limits
from llmroute.records.change import MapChange, SectionChange, Shift, TaskChange
from llmroute.records.comparison import Cell, Comparison, CostBasis, TaskComparison
from llmroute.records.config import Budget, Config, Judging
from llmroute.records.gate import Finding, Gate, GateLevel, GateResult, RuleSetting
from llmroute.records.interval import Interval
from llmroute.records.judging import Correction, JudgeDiagnosis, JudgeEvidence, Label
from llmroute.records.log import LoggedRequest
from llmroute.records.outcome import Outcome, Outcomes, Prompt, Score
from llmroute.records.price import Price, Usage
from llmroute.records.quality import (
    Evidence,
    QualityRule,
    QualityThreshold,
    RouteVerdict,
    TaskLimits,
    Verdict,
)
from llmroute.records.query_router import Cascade, QueryRouter
from llmroute.records.recognition import (
    RECOGNISER_EMBEDDING,
    Confusion,
    FittedRecogniser,
    Match,
    OutOfScope,
    RecognitionFigures,
)
from llmroute.records.routing_map import Provenance, Rejected, RoutingMap, TaskEvidence, TaskRoute
from llmroute.records.rubric import PANEL, Criterion, JudgeUse, Level, Panel, Rubric
from llmroute.records.savings import Savings, Spending, Volume
from llmroute.records.suite import Example, Message, Plugin, Sample, Suite

__all__ = [
    "PANEL",
    "RECOGNISER_EMBEDDING",
    "Budget",
    "Call",
    "Candidate",
    "Cascade",
    "Cell",
    "Comparison",
    "Completion",
    "Config",
    "Confusion",
    "Correction",
    "CostBasis",
    "Criterion",
    "Evidence",
    "Example",
    "Failure",
    "Finding",
    "FittedRecogniser",
    "Gate",
    "GateLevel",
    "GateResult",
    "Interval",
    "JudgeDiagnosis",
    "JudgeEvidence",
    "JudgeUse",
    "Judging",
    "Label",
    "Level",
    "Limits",
    "LoggedRequest",
    "MapChange",
    "Match",
    "Message",
    "OutOfScope",
    "Outcome",
    "Outcomes",
    "Panel",
    "Plugin",
    "Price",
    "Prompt",
    "Provenance",
    "QualityRule",
    "QualityThreshold",
    "QueryRouter",
    "RecognitionFigures",
    "Rejected",
    "RouteVerdict",
    "RoutingMap",
    "Rubric",
    "RuleSetting",
    "Sample",
    "Savings",
    "Score",
    "SectionChange",
    "Shift",
    "Spending",
    "Suite",
    "TaskChange",
    "TaskComparison",
    "TaskEvidence",
    "TaskLimits",
    "TaskRoute",
    "Usage",
    "Verdict",
    "Volume",
]
