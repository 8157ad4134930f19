/** The microphone as a source of music. */
import { Saying, button } from '../view/dom.ts';
import { wavOf } from './browserDecoded.ts';

export class Recorder {
  readonly element: HTMLButtonElement;
  #recording: { readonly recorder: MediaRecorder; readonly parts: Blob[] } | undefined;

  constructor(say: Saying, take: (file: File) => Promise<void>) {
    this.element = button('Record', async () => {
      if (this.#recording) return void this.#recording.recorder.stop();
      // What the browser does for telephone calls would take music for noise.
      const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
      const stream = await navigator.mediaDevices.getUserMedia({ audio }).catch(() => {
        throw new Error('the microphone cannot be used: allow it in the browser, or there is none');
      });
      const recorder = new MediaRecorder(stream);
      const parts: Blob[] = [];
      this.#recording = { recorder, parts };
      recorder.ondataavailable = ({ data }) => void parts.push(data);
      recorder.onstop = () => void say.during(async () => {
        this.#recording = undefined;
        this.element.textContent = 'Record';
        for (const track of stream.getTracks()) track.stop();
        await take(await wavOf(new Blob(parts), 'recording.wav'));
      });
      recorder.start();
      this.element.textContent = 'Stop recording';
      say.say('Recording …');
    }, { say });
  }
}
