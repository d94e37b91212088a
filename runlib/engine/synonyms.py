"""Maps names that other tools use for the same thing, so that error messages can suggest the name used here.

The table holds only terms of the field. Whether a component here accepts a term is looked up when an error occurs.
"""

from __future__ import annotations

from collections.abc import Iterable

from runlib.engine.extras import load

__all__ = ["INSTEAD", "UNITS", "near", "same_meaning"]

_GROUPS = [
    group.split()
    for group in (
        "low lower min minimum lo lower_bound start a",
        "high upper max maximum hi upper_bound stop end b",
        "log log_scale logarithmic logscale is_log log_uniform",
        "step q quantum quantization stepsize step_size",
        "mu mean loc",
        "sigma std scale stddev standard_deviation",
        "options choices categories values vals items levels sequence",
        "value const constant",
        "prior default default_value center",
        "prior_confidence confidence default_confidence",
        "fidelity is_fidelity budget",
        "label name id",
        "count n n_trials max_trials num_trials n_evals max_evals n_evaluations max_evaluations max_evaluations_total "
        "evaluations_to_spend num_samples n_iter n_iterations iterations max_iter n_calls trials evals budget maximum",
        "count patience n_no_progress no_progress rounds max_stall n_iter_no_change max_errors max_failures failures",
        "count top n k limit",
        "threshold target loss_threshold goal loss value best",
        "limit max_cost budget cost max_budget",
        "share fraction ratio rate",
        "errors failures failed include_errors",
        "duration minutes timeout time_limit time_budget time_budget_s max_time walltime max_seconds wallclock",
        "trial_timeout timeout time_limit trial_time_limit eval_timeout time_per_trial seconds",
        "max_workers workers n_workers num_workers n_jobs jobs n_procs processes parallelism concurrency "
        "max_concurrent max_concurrent_trials nworkers cores cpus",
        "devices gpus gpu cuda_devices",
        "memory_limit mem_limit max_memory memory ram",
        "capture_output capture redirect_output log_to_file",
        "seed random_state random_seed rng rstate",
        "space search_space pipeline_space param_space parameter_space config_space configspace domain "
        "param_distributions param_grid parameters params distributions",
        "search sampler algorithm optimizer suggest suggester searcher search_alg search_algorithm",
        "evaluator function fn func f evaluate objective_function target trainable evaluate_pipeline eval_function",
        "stop stopper stopping stopping_criterion stopping_criteria terminator new_stop",
        "stop new_stop n_trials max_trials num_trials max_evals max_evaluations num_samples n_iter n_calls",
        "stops stop conditions criteria",
        "searches search parts",
        "suggestions configs configurations points trials candidates points_to_evaluate",
        "objective metric metrics monitor score",
        "direction directions mode goal sense maximize minimize",
        "caught_exceptions catch caught exceptions ignore_exceptions catch_exceptions",
        "retries retry max_retries max_failures n_retries",
        "reuse cache memoize dedupe",
        "order sync synchronous deterministic reproducible",
        "name study_name run_name experiment_name title",
        "description notes comment comments",
        "pool executor backend scheduler client",
        "observers observer callbacks callback listeners loggers hooks",
        "directory dir folder path storage root_directory root local_dir output_dir out logdir outdir base_dir",
        "folder work_directory run_folder run path directory dir",
        "resume load_if_exists exist_ok restore continue_run",
        "progress progress_bar show_progress show_progressbar show_progress_bar verbose bar",
        "method algorithm kind",
        "n_startup_jobs n_startup_trials n_initial_points n_random_starts",
        "resolution n_points num points points_per_dim",
        "population population_size pop_size",
        "sample sample_size tournament_size",
        "file path filename",
        "tid trial trial_id number",
        "reason why message text",
        "text note message comment",
        "suggestion config params configuration point x",
        "loss value result score",
        "at n record upto",
    )
]
UNITS = {
    "duration": "in minutes",
    "trial_timeout": "in seconds, for each trial; run(duration=...) takes the minutes for all",
    "shutdown_duration": "in seconds",
}
# Other tools have these arguments and runlib does not. The values tell the user what to write instead.
INSTEAD = {
    "algo": 'the search has it by name: Hyperopt(space, method="tpe")',
    "early_stop_fn": "for that there is StopNoProgress(...)",
    "load_if_exists": "prepare(resume=True) goes on with the run of that name",
    "n_startup_trials": "the search has it: Hyperopt(space, n_startup_jobs=...)",
    "points_to_evaluate": "run.enqueue(suggestion) has one tried before the search's own",
    "trials": "for their number there is StopMax(...), and what was tried stands in run.state.trials",
}


def same_meaning(word: str) -> set[str]:
    """Returns the names that other tools use with the meaning of ``word``, including ``word`` itself."""
    plain = word.lower().replace("-", "_")
    return {word, plain}.union(*(group for group in _GROUPS if plain in group))


def near(word: str, known: Iterable[str], *, count: int = 1, cutoff: float = 0.6) -> list[str]:
    """Returns the known names that were probably meant: those of the same meaning, else those of a similar spelling.

    Args:
        word: The name that the user wrote.
        known: The names that exist.
        count: The maximal number of names to return.
        cutoff: The minimal similarity of the spelling, from 0 to 1.
    """
    words, meant = list(known), same_meaning(word[:80])
    found = [other for other in words if other in meant]
    return found[:count] or load("difflib").get_close_matches(word[:80], words, n=count, cutoff=cutoff)
