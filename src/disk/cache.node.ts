/** Where things that can be fetched again are kept: the cache folder of the user, outside the project. */
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/**
 * This project's folder in the user's cache: `$XDG_CACHE_HOME` where it is set, else `~/.cache`,
 * `~/Library/Caches` on macOS, `%LOCALAPPDATA%` on Windows. It need not exist yet.
 */
export function cacheFolder({ env = process.env, platform = process.platform, home = homedir() } = {}): string {
  return join(userCache({ env, platform, home }), 'diffwave-webgpu');
}

function userCache({ env, platform, home }: { env: NodeJS.ProcessEnv; platform: string; home: string }): string {
  // The XDG base directory specification tells programs to ignore relative paths.
  if (env.XDG_CACHE_HOME && isAbsolute(env.XDG_CACHE_HOME)) return env.XDG_CACHE_HOME;
  if (platform === 'win32') return env.LOCALAPPDATA || join(home, 'AppData', 'Local');
  return platform === 'darwin' ? join(home, 'Library', 'Caches') : join(home, '.cache');
}
