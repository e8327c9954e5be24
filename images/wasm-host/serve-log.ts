/** The log of requests that failed: bounded, since a broken module fails as often as it is asked. */

/** Lines a second. */
const maxLines = 10;

/** A log that drops lines beyond ten a second, and says how many. */
export function openLog(write: (text: string) => void): (text: string) => void {
  let second = 0;
  let lines = 0;
  return (text) => {
    const now = Math.floor(performance.now() / 1000);
    if (now !== second) {
      if (lines > maxLines) write(`${lines - maxLines} more lines in that second`);
      second = now;
      lines = 0;
    }
    lines += 1;
    // One line, whatever an application made of its path or its standard error.
    if (lines <= maxLines) write(text.replace(/\p{Cc}+/gu, ' ').slice(0, 2000));
  };
}
