/**
 * Preloaded into a program (`node --import`), this makes the disk full after DISK_ROOM bytes: what is written past them
 * fails as Node says it. A limit of the system's, as `ulimit -f`, would also hit the memory files of a graphics driver.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const { writeSync } = fs;
let room = Number(process.env.DISK_ROOM);

fs.writeSync = (file, bytes, offset, length) => {
  if (room === 0) {
    const message = 'ENOSPC: no space left on device, write';
    throw Object.assign(new Error(message), { errno: -28, syscall: 'write', code: 'ENOSPC' });
  }
  const written = writeSync(file, bytes, offset, Math.min(length, room));
  room -= written;
  return written;
};
syncBuiltinESMExports();
