"""Detector processes in a sandbox: a text that hangs or crashes a detector harms no other text.

detector_pool     the pool that the stage and `amana redact` use; runs on their event loop
detector_child    the parent's end of the connection to one detector process
fork_server       the parent's end of the connection to the fork server
detector_process  the program of the fork server and of the detectors that it forks
core_dumps        keeps the memory of a process out of core dumps
"""
