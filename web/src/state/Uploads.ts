import { sha256Hex } from '@/lib/sha256';
import { Store } from '@/lib/store';
import { uuid7 } from '@/lib/uuid7';
import type { Api } from '@/protocol/Api';
import { ApiError } from '@/protocol/ApiError';
import type { Attachment, FileCreated } from '@/protocol/types';

export interface Upload {
  id: string;
  name: string;
  size: number;
  type: string;
  /** An object URL, for images. */
  preview?: string;
  /** 0 to 1. */
  progress: number;
  state: 'checking' | 'sending' | 'done' | 'failed';
  failure?: string;
  /** With state `done`. */
  attachment?: Attachment;
}

interface Work {
  file: File;
  conversation: string | undefined;
  abort: AbortController;
  created?: FileCreated;
}

const none: readonly Upload[] = [];

/** Files on their way to the server, by conversation; they go on while another conversation is shown. */
export class Uploads {
  readonly trays = new Store<ReadonlyMap<string, readonly Upload[]>>(new Map());
  /** What was sent from here is shown from here: object URLs of images by file id. */
  readonly previews = new Map<string, string>();
  readonly #work = new Map<string, Work>();

  constructor(private readonly api: Api) {}

  tray(conversation: string): readonly Upload[] {
    return this.trays.get().get(conversation) ?? none;
  }

  add(conversation: string, files: readonly File[]): void {
    for (const file of files) {
      const upload: Upload = {
        id: uuid7(),
        name: file.name || 'file',
        size: file.size,
        type: file.type || 'application/octet-stream',
        progress: 0,
        state: 'checking',
        ...(file.type.startsWith('image/') ? { preview: URL.createObjectURL(file) } : {}),
      };
      this.#work.set(upload.id, { file, conversation, abort: new AbortController() });
      this.#setTray(conversation, [...this.tray(conversation), upload]);
      void this.#run(conversation, upload);
    }
  }

  retry(conversation: string, id: string): void {
    const upload = this.tray(conversation).find((other) => other.id === id);
    const work = this.#work.get(id);
    if (!upload || !work || upload.state !== 'failed') return;
    work.abort = new AbortController();
    void this.#run(conversation, upload);
  }

  cancel(conversation: string, id: string): void {
    this.#work.get(id)?.abort.abort();
    this.#work.delete(id);
    const gone = this.tray(conversation).find((upload) => upload.id === id);
    if (gone?.preview) URL.revokeObjectURL(gone.preview);
    this.#setTray(
      conversation,
      this.tray(conversation).filter((upload) => upload.id !== id),
    );
  }

  /** Takes the finished ones out of the tray, to be sent. */
  take(conversation: string): Attachment[] {
    const done = this.tray(conversation).filter((upload) => upload.attachment);
    for (const { id, preview, attachment } of done) {
      if (preview && attachment) this.previews.set(attachment.id, preview);
      this.#work.delete(id);
    }
    this.#setTray(
      conversation,
      this.tray(conversation).filter((upload) => !upload.attachment),
    );
    return done.flatMap((upload) => upload.attachment ?? []);
  }

  /** One image for a profile or a group, outside of any tray. */
  async avatar(file: Blob, name: string): Promise<string> {
    const work: Work = {
      file: new File([file], name, { type: file.type }),
      conversation: undefined,
      abort: new AbortController(),
    };
    return (await this.#send(work, () => undefined)).id;
  }

  async #run(conversation: string, { id }: Upload): Promise<void> {
    const work = this.#work.get(id);
    if (!work) return;
    this.#patch(conversation, id, { state: work.created ? 'sending' : 'checking', progress: 0 }, ['failure']);
    try {
      const attachment = await this.#send(work, (progress) =>
        this.#patch(conversation, id, { state: 'sending', progress }),
      );
      this.#patch(conversation, id, { state: 'done', progress: 1, attachment });
    } catch (error) {
      if (work.abort.signal.aborted) return;
      this.#patch(conversation, id, { state: 'failed', failure: error instanceof ApiError ? error.code : 'network' });
    }
  }

  async #send(work: Work, progress: (part: number) => void): Promise<Attachment> {
    const { file, conversation, abort } = work;
    work.created ??= await this.api.createFile({
      name: file.name || 'file',
      size: file.size,
      type: file.type || 'application/octet-stream',
      sha256: await sha256Hex(file),
      ...(conversation ? { conversation } : {}),
    });
    const { id, upload } = work.created;
    progress(0);
    const parts = upload.parts ?? [];
    if (parts.length === 0 || upload.part_size === undefined) {
      await put(upload, file, abort.signal, (sent) => progress(sent / Math.max(1, file.size)));
    } else {
      // A retry sends only what is missing.
      const { received } = await this.api.uploadedParts(id);
      for (const part of parts) {
        const start = (part.number - 1) * upload.part_size;
        const bytes = file.slice(start, start + upload.part_size);
        if (!received.includes(part.number)) {
          await put(part, bytes, abort.signal, (sent) => progress((start + sent) / file.size));
        }
        progress((start + bytes.size) / file.size);
      }
    }
    const { sha256: _sum, ...attachment } = await this.api.completeFile(id);
    return attachment;
  }

  #patch(conversation: string, id: string, change: Partial<Upload>, without: (keyof Upload)[] = []): void {
    this.#setTray(
      conversation,
      this.tray(conversation).map((upload) => {
        if (upload.id !== id) return upload;
        const changed = { ...upload, ...change };
        for (const key of without) delete changed[key];
        return changed;
      }),
    );
  }

  #setTray(conversation: string, tray: readonly Upload[]): void {
    this.trays.update((trays) => new Map(trays).set(conversation, tray));
  }
}

/** By XMLHttpRequest: fetch tells nothing of an upload's progress. */
function put(
  target: { method: string; url: string; headers: Record<string, string> },
  body: Blob,
  signal: AbortSignal,
  progress: (sent: number) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(target.method, target.url);
    for (const [name, value] of Object.entries(target.headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => progress(event.loaded);
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve();
      else reject(new ApiError(codeOf(request), request.status, request.statusText));
    };
    request.onerror = () => reject(ApiError.network());
    request.onabort = () => reject(new DOMException('aborted', 'AbortError'));
    if (signal.aborted) {
      reject(new DOMException('aborted', 'AbortError'));
      return;
    }
    signal.addEventListener('abort', () => request.abort(), { once: true });
    request.send(body);
  });
}

function codeOf(request: XMLHttpRequest): string {
  try {
    return (JSON.parse(request.responseText) as { code?: string }).code ?? 'internal';
  } catch {
    return 'internal';
  }
}
