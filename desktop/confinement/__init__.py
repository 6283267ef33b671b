"""What a process gives up before it reads a stranger's file: system calls, files, the network. Linux only, so far."""
