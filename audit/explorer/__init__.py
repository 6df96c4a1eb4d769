"""The explorer: a run in a browser, on this machine.

``explorer_app`` (``app``) makes the web application of an ``Explorer`` (``explorer``); ``command``
serves it. ``access`` says who may ask, ``sanitising`` and ``sources`` show what a document was made
from, ``pages`` has a module for each kind of page. Answers come from the query layer, the modules
of ``audit`` itself; nothing here reads Parquet.
"""
