"""On PYTHONPATH of the kernels that tests start: the sockets of a kernel reach loopback only.

pytest-socket guards the process of the tests; a kernel is a process of its own.
"""

from pytest_socket import socket_allow_hosts

socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)
