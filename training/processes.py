"""Work on several processes at once."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import torch


def process_pool(workers: int) -> ProcessPoolExecutor:
    """Processes of one thread each, started afresh: a fork of one that has used torch's threads may wait for ever."""
    context = multiprocessing.get_context("spawn")
    if "forkserver" in multiprocessing.get_all_start_methods():
        context = multiprocessing.get_context("forkserver")
        # Imported once for all, or each process would take two seconds for it.
        context.set_forkserver_preload(["training.prepare", "training.synthetic_styles"])
    return ProcessPoolExecutor(workers, context, torch.set_num_threads, (1,))
