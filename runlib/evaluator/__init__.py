"""Evaluators: what a suggestion is worth."""

from runlib.evaluator.base import Evaluator
from runlib.evaluator.data_csv import CsvDataset
from runlib.evaluator.data_npz import NpzDataset
from runlib.evaluator.data_split import SplitDataset
from runlib.evaluator.datasets import Dataset
from runlib.evaluator.function import FunctionEvaluator
from runlib.evaluator.holdout import HoldoutEvaluator

__all__ = [
    "CsvDataset",
    "Dataset",
    "Evaluator",
    "FunctionEvaluator",
    "HoldoutEvaluator",
    "NpzDataset",
    "SplitDataset",
]
