// Runs shardmill as if it were this process: the same arguments, streams and signals, and the same end.
"use strict";

const { spawn } = require("node:child_process");
const { constants } = require("node:os");
const path = require("node:path");

const PROGRAM = path.join(__dirname, "bin", "shardmill");

// What others may send. SIGUSR1 is node's own, and SIGKILL nobody can pass on: the program ends with us by itself.
const SIGNALS = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR2"];

module.exports = function launch(system) {
  const args = [system, `--end-with=${process.pid}`, ...process.argv.slice(2)];
  // In a process group of its own: what a terminal sends to ours comes to it once, by way of us.
  const program = spawn(PROGRAM, args, { stdio: "inherit", detached: true });
  for (const signal of SIGNALS) {
    process.on(signal, () => program.kill(signal));
  }
  program.on("error", (error) => {
    console.error(`shardmill: cannot run ${PROGRAM}: ${error.message}`);
    process.exitCode = 1;
  });
  program.on("exit", (code, signal) => {
    if (signal === null) {
      process.exit(code);
    }
    // The code counts where the signal does not end us, as in process 1 of a container.
    process.exitCode = 128 + constants.signals[signal];
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
};
