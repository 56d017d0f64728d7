"""Work on several processes at once."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import torch


def process_pool(workers: int) -> ProcessPoolExecutor:
    """Processes of one thread each, started afresh: a fork of one that has used torch's threads may wait for ever."""
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    if context.get_start_method() == "forkserver":
        context.set_forkserver_preload(["training.prepare", "training.synthetic_styles"])
    return ProcessPoolExecutor(workers, context, torch.set_num_threads, (1,))
