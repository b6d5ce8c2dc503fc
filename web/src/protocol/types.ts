/** The shapes of docs/reference/protocol.md. */
export type Role = 'owner' | 'admin' | 'member';
export type PresenceState = 'online' | 'away' | 'offline';

export interface User {
  id: string;
  username: string;
  display_name: string;
  avatar?: string;
  status_text?: string;
  last_seen?: string;
}

export interface Me {
  id: string;
  username: string;
  display_name: string;
  avatar?: string;
  status_text?: string;
  last_seen_visible: boolean;
  created_at: string;
}

export interface SignedIn {
  user: Me;
  access_token: string;
  /** Seconds. */
  expires_in: number;
}

export interface LoginSession {
  id: string;
  device_name?: string;
  created_at: string;
  last_used_at: string;
  current: boolean;
}

export interface Member {
  user: string;
  role: Role;
}

export interface MemberProfile extends Member {
  profile: User;
}

export interface Attachment {
  id: string;
  name: string;
  /** Bytes. */
  size: number;
  type: string;
}

export interface MessageBody {
  text?: string;
  attachments?: Attachment[];
  reply_to?: number;
  mentions?: string[];
  /** The rest is for the system kinds. */
  user?: string;
  role?: Role;
  title?: string;
}

export interface SendBody {
  text?: string;
  attachments?: string[];
  reply_to?: number;
  mentions?: string[];
}

export interface Reaction {
  emoji: string;
  count: number;
  /** The first 20. */
  users: string[];
  mine: boolean;
}

export interface Message {
  seq: number;
  id: string;
  client_msg_id?: string;
  author: string;
  kind: string;
  body: MessageBody;
  at: string;
  edited_at?: string;
  deleted?: boolean;
  reactions?: Reaction[];
}

export interface MessagePage {
  items: Message[];
  has_more: boolean;
  degraded?: boolean;
}

export interface Conversation {
  id: string;
  kind: 'direct' | 'group';
  title?: string;
  avatar?: string;
  created_by: string;
  created_at: string;
  member_count: number;
  my_role: Role;
  members?: Member[];
  peer?: User;
  epoch: string;
  rev: number;
  last_seq: number;
  read_seq: number;
  /** 0–99; 100 means more. */
  unread: number;
  mentions: number;
  muted: boolean;
  pinned: boolean;
  last_message?: Message;
}

export interface Page<T> {
  items: T[];
  next?: string;
}

export interface Cursor {
  user: string;
  read: number;
  delivered: number;
}

interface UploadPart {
  number: number;
  method: string;
  url: string;
  headers: Record<string, string>;
}

export interface FileCreated {
  id: string;
  upload: {
    method: string;
    url: string;
    headers: Record<string, string>;
    part_size?: number;
    parts?: UploadPart[];
  };
}

export interface FileInfo extends Attachment {
  sha256: string;
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  code: string;
  detail: string;
  errors?: { field: string; detail: string }[];
  retry_after_ms?: number;
}

export interface ResumePoint {
  id: string;
  epoch: string;
  rev: number;
}

export type ClientFrame =
  | { type: 'hello'; token: string; device_id: string; resume?: { session: string; conversations: ResumePoint[] } }
  | { type: 'auth'; token: string }
  | { type: 'send'; conversation: string; client_msg_id: string; body: SendBody }
  | { type: 'edit'; conversation: string; target: number; client_msg_id: string; body: SendBody }
  | { type: 'delete'; conversation: string; target: number; client_msg_id: string }
  | { type: 'react' | 'unreact'; conversation: string; target: number; emoji: string; client_msg_id: string }
  | { type: 'read' | 'delivered'; conversation: string; up_to: number }
  | { type: 'typing'; conversation: string; on: boolean }
  | { type: 'presence.watch'; users: string[] }
  | { type: 'presence.set'; state: 'online' | 'away' }
  | { type: 'ping'; n: number };

export interface Limits {
  frame_bytes?: number;
  text_chars?: number;
  attachments: number;
  file_bytes?: number;
  group_members?: number;
  sends?: string;
}

interface EventHead {
  type: 'event';
  conversation: string;
  epoch: string;
  rev: number;
  seq: number;
  at: string;
  actor: string;
  client_msg_id?: string;
}

export type EventFrame = EventHead &
  (
    | { kind: 'message'; id: string; body: MessageBody }
    | { kind: 'edited'; target: number; body: MessageBody }
    | { kind: 'deleted'; target: number }
    | { kind: 'reaction_added' | 'reaction_removed'; target: number; emoji: string }
    | { kind: 'member_joined' | 'role_changed'; user: string; role: Role }
    | { kind: 'member_left'; user: string }
    | { kind: 'conversation_updated'; title?: string; avatar?: string }
    | { kind: 'other' }
  );

export interface Welcome {
  type: 'welcome';
  session: string;
  node: string;
  heartbeat_seconds: number;
  user: string;
  resumed: string[];
  reload: string[];
  limits: Limits;
  server_time: string;
}

export interface AckFrame {
  type: 'ack';
  client_msg_id: string;
  conversation: string;
  seq: number;
  at: string;
}

export interface ErrorFrame {
  type: 'error';
  code: string;
  retryable: boolean;
  detail: string;
  client_msg_id?: string;
  conversation?: string;
  retry_after_ms?: number;
}

export type ServerFrame =
  | Welcome
  | AckFrame
  | ErrorFrame
  | EventFrame
  | { type: 'authenticated'; expires_in: number }
  | { type: 'receipt'; conversation: string; user: string; read?: number; delivered?: number }
  | { type: 'typing'; conversation: string; user: string; on: boolean }
  | { type: 'presence'; user: string; state: PresenceState; last_seen?: string }
  | { type: 'conversation'; action: 'added' | 'removed' | 'updated'; id: string; conversation?: Conversation }
  | { type: 'reload'; conversation: string; reason: string }
  | { type: 'pong'; n: number }
  | { type: 'goaway'; reconnect_after_ms: number; reason: string };
