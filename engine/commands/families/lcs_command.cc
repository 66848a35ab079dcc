// LCS: the longest common subsequence of two strings.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "engine/commands/dispatch/context.h"
#include "engine/commands/dispatch/executor_state.h"
#include "engine/commands/dispatch/handlers.h"

namespace engine::commands {
namespace {

using keyspace::KeyEntry;
using keyspace::Type;

struct LcsOptions {
  bool length_only = false;
  bool indexes = false;
  bool match_lengths = false;
  std::uint64_t match_length_min = 0;
};

bool parse_options(Context& c, LcsOptions& options) {
  for (std::size_t i = 3; i < c.argv.size(); ++i) {
    if (c.is_word(i, "IDX")) {
      options.indexes = true;
    } else if (c.is_word(i, "LEN")) {
      options.length_only = true;
    } else if (c.is_word(i, "WITHMATCHLEN")) {
      options.match_lengths = true;
    } else if (c.is_word(i, "MINMATCHLEN") && i + 1 < c.argv.size()) {
      const auto given = c.integer(++i);
      if (!given) {
        return false;
      }
      options.match_length_min = static_cast<std::uint64_t>(std::max<std::int64_t>(*given, 0));
    } else {
      c.error(errors::kSyntax);
      return false;
    }
  }
  if (options.indexes && options.length_only) {
    c.error("ERR If you want both the length and indexes, please just use IDX.");
    return false;
  }
  return true;
}

// The lengths of the longest common subsequences of all pairs of prefixes.
class Lengths {
 public:
  Lengths(std::string_view a, std::string_view b)
      : columns_(b.size() + 1), cells_((a.size() + 1) * columns_) {
    for (std::size_t i = 1; i <= a.size(); ++i) {
      for (std::size_t j = 1; j <= b.size(); ++j) {
        cells_[i * columns_ + j] =
            a[i - 1] == b[j - 1] ? at(i - 1, j - 1) + 1 : std::max(at(i - 1, j), at(i, j - 1));
      }
    }
  }
  std::uint32_t at(std::size_t i, std::size_t j) const { return cells_[i * columns_ + j]; }

 private:
  std::size_t columns_;
  std::vector<std::uint32_t> cells_;
};

// A run of equal bytes, [begin, begin + length) in both.
struct Match {
  std::size_t a_begin;
  std::size_t b_begin;
  std::size_t length;
};

// From the end backwards, as Redis lists them.
std::vector<Match> find_matches(std::string_view a, std::string_view b, const Lengths& lengths,
                                std::string& subsequence) {
  std::vector<Match> matches;
  std::size_t i = a.size();
  std::size_t j = b.size();
  while (i > 0 && j > 0) {
    if (a[i - 1] != b[j - 1]) {
      if (lengths.at(i - 1, j) > lengths.at(i, j - 1)) {
        --i;
      } else {
        --j;
      }
      continue;
    }
    --i;
    --j;
    subsequence.push_back(a[i]);
    if (!matches.empty() && matches.back().a_begin == i + 1 && matches.back().b_begin == j + 1) {
      matches.back() = {i, j, matches.back().length + 1};
    } else {
      matches.push_back({i, j, 1});
    }
  }
  std::reverse(subsequence.begin(), subsequence.end());
  return matches;
}

void reply_matches(Context& c, const LcsOptions& options, const std::vector<Match>& matches,
                   std::uint32_t total) {
  c.reply.map(2);
  c.reply.bulk("matches");
  const std::size_t mark = c.reply.mark();
  std::size_t shown = 0;
  const auto range = [&c](std::size_t begin, std::size_t length) {
    c.reply.array(2);
    c.reply.integer(static_cast<std::int64_t>(begin));
    c.reply.integer(static_cast<std::int64_t>(begin + length - 1));
  };
  for (const Match& match : matches) {
    if (match.length < options.match_length_min) {
      continue;
    }
    c.reply.array(options.match_lengths ? 3 : 2);
    range(match.a_begin, match.length);
    range(match.b_begin, match.length);
    if (options.match_lengths) {
      c.reply.integer(static_cast<std::int64_t>(match.length));
    }
    ++shown;
  }
  c.reply.close_array(mark, shown);
  c.reply.bulk("len");
  c.reply.integer(total);
}

}  // namespace

// LCS key1 key2 [LEN] [IDX] [MINMATCHLEN n] [WITHMATCHLEN]. Takes memory of the product of both
// lengths, which is limited.
void lcs_command(Context& c) {
  std::string texts[2];
  for (std::size_t i = 0; i < 2; ++i) {
    KeyEntry* entry = c.find_to_read(c.argv[1 + i]);
    if (entry != nullptr && entry->object.type() != Type::kString) {
      return c.error("ERR The specified keys must contain string values");
    }
    texts[i] = entry == nullptr ? "" : entry->object.text().str();
  }
  LcsOptions options;
  if (!parse_options(c, options)) {
    return;
  }
  const std::string& a = texts[0];
  const std::string& b = texts[1];
  if (a.size() >= std::numeric_limits<std::uint32_t>::max() - 1 ||
      b.size() >= std::numeric_limits<std::uint32_t>::max() - 1) {
    return c.error("ERR String too long for LCS");
  }
  const std::uint64_t cells = (a.size() + 1) * (b.size() + 1);
  if (cells > std::numeric_limits<std::size_t>::max() / sizeof(std::uint32_t) ||
      cells * sizeof(std::uint32_t) > c.state.settings.proto_max_bulk_len) {
    return c.error("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
  }
  const Lengths lengths(a, b);
  const std::uint32_t total = lengths.at(a.size(), b.size());
  if (options.length_only) {
    return c.reply.integer(total);
  }
  std::string subsequence;
  const std::vector<Match> matches = find_matches(a, b, lengths, subsequence);
  if (options.indexes) {
    reply_matches(c, options, matches, total);
  } else {
    c.reply.bulk(subsequence);
  }
}

}  // namespace engine::commands
