import { ApiError } from './ApiError';
import { TokenKeeper } from './TokenKeeper';
import type {
  Conversation,
  Cursor,
  FileCreated,
  FileInfo,
  LoginSession,
  Me,
  Member,
  MemberProfile,
  Message,
  MessagePage,
  Page,
  Role,
  SignedIn,
  User,
} from './types';

type Query = Record<string, string | number | undefined>;
interface Call {
  query?: Query;
  body?: unknown;
  signal?: AbortSignal;
}
export type PagePosition = { before: number } | { after: number } | { around: number } | Record<string, never>;

/** The REST half of the protocol: one method a call, `ApiError` for what is not a success. */
export class Api {
  readonly tokens: TokenKeeper;

  constructor(private readonly fetcher: typeof fetch = (...args) => fetch(...args)) {
    this.tokens = new TokenKeeper(() => this.#open<SignedIn>('POST', '/auth/refresh'));
  }

  async register(account: { username: string; password: string; display_name?: string }): Promise<Me> {
    const answer = await this.#open<SignedIn>('POST', '/auth/register', { body: { ...account, ...deviceName() } });
    this.tokens.accept(answer);
    return answer.user;
  }

  async login(account: { username: string; password: string }): Promise<Me> {
    const answer = await this.#open<SignedIn>('POST', '/auth/login', { body: { ...account, ...deviceName() } });
    this.tokens.accept(answer);
    return answer.user;
  }

  async logout(): Promise<void> {
    await this.#call<void>('POST', '/auth/logout');
    this.tokens.forget();
  }

  sessions = () => this.#call<Page<LoginSession>>('GET', '/auth/sessions');
  revokeSession = (id: string) => this.#call<void>('DELETE', `/auth/sessions/${id}`);
  changePassword = (current_password: string, new_password: string) =>
    this.#call<void>('POST', '/auth/password', { body: { current_password, new_password } });

  me = () => this.#call<Me>('GET', '/me');
  updateMe = (change: {
    display_name?: string;
    avatar?: string | null;
    status_text?: string | null;
    last_seen_visible?: boolean;
  }) => this.#call<Me>('PATCH', '/me', { body: change });
  searchUsers = (prefix: string, signal?: AbortSignal) =>
    this.#call<Page<User>>('GET', '/users', { query: { prefix, limit: 20 }, ...(signal ? { signal } : {}) });
  usersById = (ids: string[]) => this.#call<Page<User>>('GET', '/users', { query: { ids: ids.join(',') } });

  conversations = (cursor?: string) =>
    this.#call<Page<Conversation>>('GET', '/conversations', { query: { limit: 100, cursor } });
  conversation = (id: string) => this.#call<Conversation>('GET', `/conversations/${id}`);
  createDirect = (user: string) =>
    this.#call<Conversation>('POST', '/conversations', { body: { kind: 'direct', user } });
  createGroup = (title: string, members: string[]) =>
    this.#call<Conversation>('POST', '/conversations', { body: { kind: 'group', title, members } });
  updateConversation = (id: string, change: { title?: string; avatar?: string | null }) =>
    this.#call<Conversation>('PATCH', `/conversations/${id}`, { body: change });
  deleteConversation = (id: string) => this.#call<void>('DELETE', `/conversations/${id}`);
  leave = (id: string) => this.#call<void>('POST', `/conversations/${id}/leave`);
  setPreferences = (id: string, change: { muted?: boolean; pinned?: boolean }) =>
    this.#call<{ muted: boolean; pinned: boolean }>('PUT', `/conversations/${id}/preferences`, { body: change });
  cursors = (id: string) => this.#call<{ items: Cursor[] }>('GET', `/conversations/${id}/cursors`);

  members = (id: string, cursor?: string) =>
    this.#call<Page<MemberProfile>>('GET', `/conversations/${id}/members`, { query: { limit: 100, cursor } });
  addMember = (id: string, user: string) =>
    this.#call<Member>('POST', `/conversations/${id}/members`, { body: { user } });
  setRole = (id: string, user: string, role: Role) =>
    this.#call<Member>('PATCH', `/conversations/${id}/members/${user}`, { body: { role } });
  removeMember = (id: string, user: string) => this.#call<void>('DELETE', `/conversations/${id}/members/${user}`);

  messages = (id: string, position: PagePosition, limit = 50) =>
    this.#call<MessagePage>('GET', `/conversations/${id}/messages`, { query: { ...position, limit } });
  message = (id: string, seq: number) => this.#call<Message>('GET', `/conversations/${id}/messages/${seq}`);

  createFile = (file: { name: string; size: number; type: string; sha256: string; conversation?: string }) =>
    this.#call<FileCreated>('POST', '/files', { body: file });
  completeFile = (id: string) => this.#call<FileInfo>('POST', `/files/${id}/complete`);
  uploadedParts = (id: string) => this.#call<{ received: number[] }>('GET', `/files/${id}/upload`);
  fileLink = (id: string) =>
    this.#call<{ url: string; expires_in: number }>('GET', `/files/${id}`, { query: { redirect: 'false' } });

  /** With the access token; one that the server no longer takes is refreshed once. */
  async #call<T>(method: string, path: string, call: Call = {}): Promise<T> {
    const token = await this.tokens.token();
    const response = await this.#fetch(method, path, call, token);
    if (response.status !== 401) return read<T>(response);
    const fresh = await this.tokens.refresh(token);
    return read<T>(await this.#fetch(method, path, call, fresh.token));
  }

  async #open<T>(method: string, path: string, call: Call = {}): Promise<T> {
    return read<T>(await this.#fetch(method, path, call));
  }

  async #fetch(method: string, path: string, { query, body, signal }: Call, token?: string): Promise<Response> {
    const search = new URLSearchParams();
    for (const [key, value] of Object.entries(query ?? {})) {
      if (value !== undefined) search.set(key, String(value));
    }
    const headers = new Headers({ accept: 'application/json' });
    if (token) headers.set('authorization', `Bearer ${token}`);
    if (body !== undefined) headers.set('content-type', 'application/json');
    const url = `/v1${path}${search.size > 0 ? `?${search}` : ''}`;
    try {
      return await this.fetcher(url, {
        method,
        headers,
        credentials: 'same-origin',
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(signal ? { signal } : {}),
      });
    } catch (error) {
      if (error instanceof DOMException && error.name === 'AbortError') throw error;
      throw ApiError.network();
    }
  }
}

async function read<T>(response: Response): Promise<T> {
  if (!response.ok) throw await ApiError.from(response);
  if (response.status === 204) return undefined as T;
  try {
    return (await response.json()) as T;
  } catch {
    throw ApiError.network();
  }
}

/** What the list of sessions calls this browser. */
function deviceName(): { device_name: string } {
  const agent = navigator.userAgent;
  const browser = [
    ['Edg/', 'Edge'],
    ['OPR/', 'Opera'],
    ['Firefox/', 'Firefox'],
    ['Chrome/', 'Chrome'],
    ['Safari/', 'Safari'],
  ].find(([mark]) => agent.includes(mark ?? ''))?.[1];
  const system = [
    ['Android', 'Android'],
    ['iPhone', 'iPhone'],
    ['iPad', 'iPad'],
    ['Windows', 'Windows'],
    ['Mac OS', 'macOS'],
    ['Linux', 'Linux'],
  ].find(([mark]) => agent.includes(mark ?? ''))?.[1];
  return { device_name: [browser ?? 'Browser', system].filter(Boolean).join(' · ') };
}
