import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { Check, MoreHorizontal, UserPlus } from 'lucide-react';
import { useEffect, useMemo, useState } from 'react';
import { Button, IconButton } from '@/components/ui/Button';
import { Confirm, Dialog } from '@/components/ui/Dialog';
import { Menu, MenuItem } from '@/components/ui/Menu';
import { Failed, Skeleton } from '@/components/ui/Notice';
import { showToast } from '@/components/ui/toast';
import { PeopleSearch } from '@/features/people/PeopleSearch';
import { PersonAvatar } from '@/features/people/PersonAvatar';
import { errorText, t } from '@/i18n';
import { ApiError } from '@/protocol/ApiError';
import type { Conversation, MemberProfile, Role, User } from '@/protocol/types';
import { useSession } from '@/state/session-context';
import { useMembers } from './use-members';

export function MemberList({ conversation }: { conversation: Conversation }) {
  const session = useSession();
  const queries = useQueryClient();
  const { members, query } = useMembers(conversation.id);
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<MemberProfile>();
  const ids = useMemo(() => members.map((member) => member.user), [members]);
  useEffect(() => session.presence.watch('members', ids), [session, ids]);

  const act = async (task: () => Promise<unknown>) => {
    try {
      await task();
    } catch (error) {
      const code = error instanceof ApiError ? error.code : 'other';
      showToast({ text: code === 'conflict' ? t.members.lastOwner : errorText(code) });
    }
    await queries.invalidateQueries({ queryKey: ['members', conversation.id] });
  };
  const add = (user: User) => void act(() => session.api.addMember(conversation.id, user.id));
  const known = useMemo(() => new Set(ids), [ids]);

  return (
    <section aria-label={t.members.heading(conversation.member_count)} className="border-t border-line px-2 py-4">
      <div className="flex min-h-10 items-center px-3">
        <h3 className="flex-1 font-bold">{t.members.heading(conversation.member_count)}</h3>
        {conversation.my_role !== 'member' && (
          <Button look="quiet" onClick={() => setAdding(true)} className="-mr-2">
            <UserPlus size={18} aria-hidden />
            {t.members.add}
          </Button>
        )}
      </div>
      {query.isError && <Failed title={t.members.failed} onRetry={() => void query.refetch()} />}
      {query.isPending && <Skeleton className="mx-3 my-2 h-10" />}
      <ul>
        {members.map((member) => (
          <MemberRow
            key={member.user}
            member={member}
            conversation={conversation}
            onRole={(role) => void act(() => session.api.setRole(conversation.id, member.user, role))}
            onRemove={() => setRemoving(member)}
          />
        ))}
      </ul>
      {query.hasNextPage && (
        <Button className="mx-3 mt-2" busy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
          {t.members.more}
        </Button>
      )}
      <Dialog open={adding} onOpenChange={setAdding} title={t.members.addTitle}>
        <PeopleSearch
          onPick={(user) => !known.has(user.id) && add(user)}
          mark={(user) =>
            known.has(user.id) && (
              <span className="flex items-center gap-1 text-sm text-muted">
                <Check size={16} aria-hidden />
                {t.members.added}
              </span>
            )
          }
        />
      </Dialog>
      {removing && (
        <Confirm
          open
          onOpenChange={() => setRemoving(undefined)}
          title={t.members.removeTitle(removing.profile.display_name)}
          text={t.members.removeText}
          action={t.members.remove}
          onConfirm={() => void act(() => session.api.removeMember(conversation.id, removing.user))}
        />
      )}
    </section>
  );
}

interface RowProps {
  member: MemberProfile;
  conversation: Conversation;
  onRole: (role: Role) => void;
  onRemove: () => void;
}

const roles: { role: Role; label: string }[] = [
  { role: 'owner', label: t.members.makeOwner },
  { role: 'admin', label: t.members.makeAdmin },
  { role: 'member', label: t.members.makeMember },
];

function MemberRow({ member, conversation, onRole, onRemove }: RowProps) {
  const session = useSession();
  const navigate = useNavigate();
  const { profile, role, user } = member;
  const self = user === session.me.id;
  const mine = conversation.my_role;
  const mayRemove = !self && (mine === 'owner' || (mine === 'admin' && role === 'member'));
  const write = async () => {
    try {
      const direct = await session.api.createDirect(user);
      session.learn(direct);
      await navigate({ to: '/c/$id', params: { id: direct.id } });
    } catch (error) {
      showToast({ text: errorText(error instanceof ApiError ? error.code : 'other') });
    }
  };
  return (
    <li className="flex items-center gap-3 rounded-2xl px-3 py-1.5">
      <PersonAvatar user={profile} showPresence />
      <span className="min-w-0 flex-1">
        <span className="block truncate font-semibold">
          {profile.display_name}
          {self && <span className="font-normal text-muted"> ({t.members.you})</span>}
        </span>
        <span className="block truncate text-sm text-muted">@{profile.username}</span>
      </span>
      {role !== 'member' && (
        <span className="rounded-full bg-selected px-2 py-0.5 text-xs font-semibold">{t.members.roles[role]}</span>
      )}
      {!self && (
        <Menu
          trigger={
            <IconButton label={t.members.options(profile.display_name)}>
              <MoreHorizontal size={18} aria-hidden />
            </IconButton>
          }
        >
          <MenuItem onSelect={() => void write()}>{t.members.message}</MenuItem>
          {mine === 'owner' &&
            roles
              .filter((choice) => choice.role !== role)
              .map((choice) => (
                <MenuItem key={choice.role} onSelect={() => onRole(choice.role)}>
                  {choice.label}
                </MenuItem>
              ))}
          {mayRemove && (
            <MenuItem danger onSelect={onRemove}>
              {t.members.remove}
            </MenuItem>
          )}
        </Menu>
      )}
    </li>
  );
}
