"""Evaluates suggestions: an evaluator says what a suggestion is worth."""

from runlib.evaluator.base import Evaluator
from runlib.evaluator.datasets.base import Dataset
from runlib.evaluator.datasets.csv_file import CsvDataset
from runlib.evaluator.datasets.npz_file import NpzDataset
from runlib.evaluator.datasets.split import SplitDataset
from runlib.evaluator.functions.function import FunctionEvaluator
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
