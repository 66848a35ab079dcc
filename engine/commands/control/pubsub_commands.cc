// Publish and subscribe.
#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "engine/base/text.h"
#include "engine/commands/control/help.h"
#include "engine/commands/dispatch/context.h"
#include "engine/commands/dispatch/executor_state.h"
#include "engine/commands/dispatch/handlers.h"

namespace engine::commands {
namespace {

// One kind of subscription: its registry, the session's own set, and what its count covers.
struct Kind {
  PubSub::Subscribers& registry;
  std::unordered_set<std::string>& mine;
  std::string_view subscribed;
  std::string_view unsubscribed;
  bool is_shard;
};

Kind channels(Context& c) {
  return {c.state.pubsub.channels, c.session.channels, "subscribe", "unsubscribe", false};
}
Kind patterns(Context& c) {
  return {c.state.pubsub.patterns, c.session.patterns, "psubscribe", "punsubscribe", false};
}
Kind shard_channels(Context& c) {
  return {c.state.pubsub.shard_channels, c.session.shard_channels, "ssubscribe", "sunsubscribe",
          true};
}

void confirm(Context& c, const Kind& kind, std::string_view word, const std::string* name) {
  c.reply.push(3);
  c.reply.bulk(word);
  if (name == nullptr) {
    c.reply.null();
  } else {
    c.reply.bulk(*name);
  }
  c.reply.integer(static_cast<std::int64_t>(kind.is_shard ? c.session.shard_channels.size()
                                                          : c.session.channels.size() +
                                                                c.session.patterns.size()));
}

void subscribe(Context& c, const Kind& kind) {
  for (const std::string_view argument : c.argv.subspan(1)) {
    const std::string name(argument);
    if (kind.mine.insert(name).second) {
      PubSub::add(kind.registry, name, c.session);
    }
    confirm(c, kind, kind.subscribed, &name);
  }
}

void unsubscribe(Context& c, const Kind& kind) {
  std::vector<std::string> names(c.argv.begin() + 1, c.argv.end());
  if (names.empty()) {
    names.assign(kind.mine.begin(), kind.mine.end());
    if (names.empty()) {
      return confirm(c, kind, kind.unsubscribed, nullptr);
    }
  }
  for (const std::string& name : names) {
    if (kind.mine.erase(name) > 0) {
      PubSub::remove(kind.registry, name, c.session);
    }
    confirm(c, kind, kind.unsubscribed, &name);
  }
}

void list_names(Context& c, const PubSub::Subscribers& registry) {
  if (c.argv.size() > 3) {
    return reply_misused_subcommand(c);
  }
  const std::string_view pattern = c.argv.size() > 2 ? c.argv[2] : "*";
  const std::size_t mark = c.reply.mark();
  std::size_t count = 0;
  for (const auto& [name, sessions] : registry) {
    if (glob_match(pattern, name)) {
      c.reply.bulk(name);
      ++count;
    }
  }
  c.reply.close_array(mark, count);
}

void count_subscribers(Context& c, const PubSub::Subscribers& registry) {
  c.reply.array(2 * (c.argv.size() - 2));
  for (const std::string_view name : c.argv.subspan(2)) {
    const auto found = registry.find(name);
    c.reply.bulk(name);
    c.reply.integer(found == registry.end() ? 0 : static_cast<std::int64_t>(found->second.size()));
  }
}

}  // namespace

void subscribe_command(Context& c) {
  subscribe(c, channels(c));
}
void psubscribe_command(Context& c) {
  subscribe(c, patterns(c));
}
void ssubscribe_command(Context& c) {
  subscribe(c, shard_channels(c));
}
void unsubscribe_command(Context& c) {
  unsubscribe(c, channels(c));
}
void punsubscribe_command(Context& c) {
  unsubscribe(c, patterns(c));
}
void sunsubscribe_command(Context& c) {
  unsubscribe(c, shard_channels(c));
}

void publish_command(Context& c) {
  c.reply.integer(static_cast<std::int64_t>(c.state.pubsub.publish(c.argv[1], c.argv[2])));
}

void spublish_command(Context& c) {
  c.reply.integer(static_cast<std::int64_t>(c.state.pubsub.publish_to_shard(c.argv[1], c.argv[2])));
}

void pubsub_channels_command(Context& c) {
  list_names(c, c.state.pubsub.channels);
}
void pubsub_shardchannels_command(Context& c) {
  list_names(c, c.state.pubsub.shard_channels);
}
void pubsub_numsub_command(Context& c) {
  count_subscribers(c, c.state.pubsub.channels);
}
void pubsub_shardnumsub_command(Context& c) {
  count_subscribers(c, c.state.pubsub.shard_channels);
}

void pubsub_numpat_command(Context& c) {
  c.reply.integer(static_cast<std::int64_t>(c.state.pubsub.patterns.size()));
}

}  // namespace engine::commands
