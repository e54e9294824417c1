"""What installs the clients, runs them against a server of their own, and tells what came of it."""
