// What programs look at of a data directory, as questions asked of it as it was before the first of them
// began. Another directory that answers all of them alike is one they cannot tell from it: they do the
// same on both.
//
// Names      What the programs make, remove and move is followed, so that a question about a path is one
//            about the file that lay there at first, or none: of their own doing nothing need be asked.
// Files      A file opened for reading counts as read in full; what is done through a descriptor then
//            tells nothing new. (Of a directory, listing it is a question of its own.)
// Left out   What no crash state differs in, or what belongs to the filesystem and not to its content: times,
//            inode numbers, the size and link count of a directory, free space.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace crashpoint::trace {

struct Question {
  enum class Of : std::uint8_t {
    kEntry,    // whether the path is there, as what and with which mode
    kSize,     // and the size of a file
    kContent,  // and its bytes
    kNames,    // of a directory: the names in it, and what each is
  };
  Of of = Of::kEntry;
  std::string path;  // relative; ".": the directory itself
  friend auto operator<=>(const Question&, const Question&) = default;
};

// For programs that run one after the other on one directory.
class Observations {
 public:
  // Paths are those of now. What is asked of a path is also asked of the directories above it.
  void look(Question::Of of, std::string_view path);

  // The path shows nothing of what was there at first: a program made it, cut it to nothing or removed it.
  void made(std::string_view path);
  void renamed(std::string_view from, std::string_view to);  // a file
  void exchanged(std::string_view a, std::string_view b);    // two files
  void linked(std::string_view from, std::string_view to);

  // More may have been seen than is known: the directory as a whole.
  void give_up(std::string why);

  // In the order in which they were asked, none twice.
  [[nodiscard]] const std::vector<Question>& questions() const { return questions_; }
  // Why they are not all; empty: they are.
  [[nodiscard]] const std::string& gave_up() const { return gave_up_; }

 private:
  // The path of what lies here now, before the first program began; nothing: their own doing.
  [[nodiscard]] std::optional<std::string> origin(std::string_view path) const;

  std::vector<Question> questions_;
  std::map<std::string, Question::Of, std::less<>> asked_;  // the most that was asked of a path
  std::set<std::string, std::less<>> listed_;
  std::map<std::string, std::optional<std::string>, std::less<>> changed_;  // path -> origin()
  std::string gave_up_;
};

}  // namespace crashpoint::trace
