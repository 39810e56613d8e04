"""A routing map against what is there, on live traffic: plan, assign and analyse the test.

from llmroute.ab import assign

assign("user-42", salt="exp1", share=0.1)  # "control" or "treatment", for ever
"""

from llmroute.ab.assign import Arm, assign, point

__all__ = ["Arm", "assign", "point"]
