// Steps of a client's program: each says on a line of its own whether it passed.

let failed = 0;

export async function step(name, run) {
  try {
    await run();
    console.log(`ok ${name}`);
  } catch (error) {
    failed += 1;
    console.error(error);
    console.log(`FAIL ${name}: ${error.name}: ${String(error.message).replaceAll("\n", " ").slice(0, 400)}`);
  }
}

// Ends the program, whatever connections are still open.
export function end() {
  process.exit(failed ? 1 : 0);
}

export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export async function waitUntil(what, condition, limitMs = 20_000) {
  for (const end = Date.now() + limitMs; Date.now() < end; await pause(50)) {
    const result = await condition();
    if (result) return result;
  }
  throw new Error(`not within ${limitMs} ms: ${what}`);
}
