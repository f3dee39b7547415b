"""Which requests belong to one agent task. It decides the name of the task from what a request shows;
it never keeps the task's state, which is the work of the gateway.
"""
