import java.util.Objects;
import java.util.concurrent.Callable;

/** Steps of a client's program: each says on a line of its own whether it passed, and a failed one does not hide the next. */
final class Steps {
    interface Step {
        void run() throws Exception;
    }

    private static boolean failed = false;

    static void step(String name, Step step) {
        try {
            step.run();
            System.out.println("ok " + name);
        } catch (Throwable error) {
            failed = true;
            error.printStackTrace();
            System.out.println("FAIL " + name + ": " + error.toString().replace('\n', ' '));
        }
    }

    /** Ends the program, whatever threads still run. */
    static void end() {
        System.exit(failed ? 1 : 0);
    }

    /** Returns once the condition holds. */
    static void waitUntil(String what, Callable<Boolean> condition) throws Exception {
        for (long end = System.nanoTime() + 20_000_000_000L; System.nanoTime() < end; Thread.sleep(50)) {
            if (condition.call()) {
                return;
            }
        }
        throw new AssertionError("not within 20 s: " + what);
    }

    static void equal(Object found, Object expected) {
        if (!Objects.equals(found, expected)) {
            throw new AssertionError(found + " is not " + expected);
        }
    }
}
