/** Lets the user hear a file through whatever player the machine has. */
import { spawn } from 'node:child_process';

export interface Player {
  readonly program: string;
  /** The arguments that play a file and then end. */
  readonly args: (file: string) => string[];
}

const FFPLAY: Player = {
  program: 'ffplay',
  args: (file) => ['-nodisp', '-autoexit', '-loglevel', 'error', file],
};

const POWERSHELL: Player = {
  program: 'powershell',
  // Within single quotes PowerShell takes everything literally but the quote itself, which is doubled.
  args: (file) => [
    '-NoProfile',
    '-Command',
    `(New-Object System.Media.SoundPlayer '${file.replaceAll("'", "''")}').PlaySync()`,
  ],
};

/** The players to try on this platform, best first. */
export const PLAYERS: readonly Player[] = [
  FFPLAY,
  { program: 'afplay', args: (file) => [file] }, // macOS
  { program: 'aplay', args: (file) => ['-q', file] }, // Linux, ALSA
  ...(process.platform === 'win32' ? [POWERSHELL] : []),
];

/**
 * Plays a sound file to its end. Where no player is installed, or none can reach a loudspeaker, a line says so and the
 * file is left for the user to open: not being able to hear something is no reason to fail.
 *
 * @returns whether it was played
 */
export async function play(
  file: string, players: readonly Player[] = PLAYERS, print: (line: string) => void = console.log,
): Promise<boolean> {
  for (const { program, args } of players) {
    if (await succeeds(program, args(file))) return true;
  }
  const tried = players.map(({ program }) => program).join(', ');
  print(`nothing here could play ${file} (tried ${tried}); open it yourself`);
  return false;
}

/** Whether a program is there, runs and exits with 0. */
function succeeds(program: string, args: string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: 'ignore' });
    child.on('error', () => resolve(false));
    child.on('exit', (code) => resolve(code === 0));
  });
}
