// States that a profile permits after a pattern of litmus_for_test.h and that enough rounds may find on no
// disk, each with the source that says it can happen.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace crashpoint::crash {

struct Unseen {
  std::set<std::string_view> profiles;
  std::string_view litmus;
  std::set<std::string_view> states;
  std::string_view source;
};

inline const std::set<std::string_view> kExt4{"ext4-ordered", "ext4-noauto_da_alloc",
                                              "ext4-writeback"};

inline constexpr std::string_view kCopiedInTwoParts =
    "generic_perform_write copies until a page of the caller's buffer is missing, and unlocks the "
    "page of the file before it fetches that: what was copied can be written back first, and the "
    "size that follows be committed without the rest (found on Linux 6.18 when userfaultfd held up "
    "the fetch)";

inline constexpr std::string_view kConvertedLate =
    "ext4 sets the size when it allocates the blocks (mpage_map_and_submit_extent), and a worker "
    "marks them as written when the bytes are on disk (ext4_end_io_end): a commit between has "
    "zeros; found or not by how the two race";

inline const std::vector<Unseen> kUnseen = {
    {kExt4, "M27RenameWithoutSync", {"f=old t=...", "f=..."}, kConvertedLate},
    {kExt4, "M27RenameToANewName", {"f=old n=..."}, kConvertedLate},
    {kExt4, "M27RewriteInPlace", {"f=... x="}, kConvertedLate},
    {kExt4, "M13RenameThenDirectorySyncOnly", {"f=..."}, kConvertedLate},
    {kExt4, "M3WriteAcrossTheEnd", {"a=1x.."}, kCopiedInTwoParts},
};

// Empty when there is none.
inline std::string source_of_unseen(std::string_view profile, std::string_view litmus,
                                    std::string_view state) {
  for (const Unseen& unseen : kUnseen) {
    if (unseen.profiles.contains(profile) && unseen.litmus == litmus &&
        unseen.states.contains(state)) {
      return std::string(unseen.source);
    }
  }
  return {};
}

}  // namespace crashpoint::crash
