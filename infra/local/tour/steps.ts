import { styleText } from 'node:util';
import yoctoSpinner from 'yocto-spinner';

/** Says what is going on, one line for each step: with a spinner on a terminal, as plain text elsewhere. */
export interface Steps {
  /** Ends the step before, if there was one, and begins this one. */
  begin(step: string): void;
  end(): void;
  /** Ends the step with a line of its own, and goes on. */
  giveUp(reason: string): void;
}

export function stepsOn(stream: NodeJS.WriteStream): Steps {
  return stream.isTTY ? spinningSteps(stream) : plainSteps(stream);
}

function plainSteps(stream: NodeJS.WriteStream): Steps {
  return {
    begin: (step) => stream.write(`- ${step}\n`),
    end: () => {},
    giveUp: (reason) => stream.write(`! ${reason}\n`),
  };
}

function spinningSteps(stream: NodeJS.WriteStream): Steps {
  // The tour handles the signals itself.
  const spinner = yoctoSpinner({ stream, handleSignals: false });
  let current: { step: string; startedAt: number } | undefined;
  const end = () => {
    if (!current) return;
    const seconds = ((Date.now() - current.startedAt) / 1000).toFixed(1);
    spinner.success(`${current.step} ${styleText('dim', `${seconds} s`)}`);
    current = undefined;
  };
  return {
    begin: (step) => {
      end();
      current = { step, startedAt: Date.now() };
      spinner.start(step);
    },
    end,
    giveUp: (reason) => {
      current = undefined;
      spinner.warning(reason);
    },
  };
}
