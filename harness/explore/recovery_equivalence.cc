#include "harness/explore/recovery_equivalence.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace crashpoint::explore {
namespace {

using crash::CrashImage;
using crash::Digest;
using trace::Question;
using Of = trace::Question::Of;

void add_number(std::string& text, std::uint64_t number) {
  text.append(reinterpret_cast<const char*>(&number), sizeof number);
}

void add_name(std::string& text, std::string_view name) {
  add_number(text, name.size());
  text += name;
}

// A symlink can make any path lead anywhere.
bool has_symlink(const CrashImage& image) {
  return std::any_of(
      image.entries.begin(), image.entries.end(),
      [](const CrashImage::Entry& entry) { return entry.kind == CrashImage::Kind::kSymlink; });
}

// Hard links: its other names, through which it can be read and changed.
void add_other_names(std::string& text, const CrashImage& image, const CrashImage::Entry& entry) {
  if (entry.kind != CrashImage::Kind::kFile || entry.file == 0) {
    return;
  }
  for (const CrashImage::Entry& other : image.entries) {
    if (&other != &entry && other.kind == CrashImage::Kind::kFile && other.file == entry.file) {
      add_name(text, other.path);
    }
  }
}

void add_names_in(std::string& text, const CrashImage& image, std::string_view directory) {
  for (const CrashImage::Entry& entry : image.entries) {
    const std::size_t slash = entry.path.rfind('/');
    const std::string_view parent = slash == std::string::npos
                                        ? std::string_view(".")
                                        : std::string_view(entry.path).substr(0, slash);
    if (parent == directory) {
      add_name(text, entry.path);
      add_number(text, static_cast<std::uint64_t>(entry.kind));
    }
  }
}

}  // namespace

Digest answer(const CrashImage& image, const Question& question) {
  std::string text;
  const std::string_view path = question.path;
  const CrashImage::Entry* entry = nullptr;
  // The path: which directories lead there, and where it ends if something is missing.
  for (std::size_t end = 0; path != "." && end != std::string_view::npos;) {
    end = path.find('/', end == 0 ? 0 : end + 1);
    entry = image.find(path.substr(0, end));
    if (entry == nullptr) {
      add_number(text, end);
      break;
    }
    add_number(text, static_cast<std::uint64_t>(entry->kind));
    add_number(text, entry->mode);
  }
  if (question.of == Of::kNames) {
    add_names_in(text, image, path);
  } else if (entry != nullptr) {
    add_other_names(text, image, *entry);
    if (entry->content != nullptr && question.of != Of::kEntry) {
      add_number(text, entry->content->bytes.size());
    }
    if (entry->content != nullptr && question.of == Of::kContent) {
      add_number(text, entry->content->digest.high);
      add_number(text, entry->content->digest.low);
    }
  }
  return crash::digest_of(text);
}

std::optional<JobId> RecoveryEquivalence::find(const CrashImage& image) const {
  if (has_symlink(image)) {
    return std::nullopt;
  }
  const Node* node = root_.get();
  while (node != nullptr && !node->job) {
    const auto next = node->answers.find(answer(image, node->question));
    node = next == node->answers.end() ? nullptr : next->second.get();
  }
  return node == nullptr ? std::nullopt : node->job;
}

void RecoveryEquivalence::add(JobId job, const CrashImage& image,
                              std::span<const Question> questions) {
  if (has_symlink(image)) {
    return;
  }
  std::vector<Question> left(questions.begin(), questions.end());
  std::unique_ptr<Node>* place = &root_;
  // A recovery with several threads may ask in another order. The order of the tree is kept; a question of
  // the tree that this recovery did not ask only separates more directories than necessary.
  while (*place != nullptr && !(*place)->job) {
    Node& node = **place;
    std::erase(left, node.question);
    place = &node.answers[answer(image, node.question)];
  }
  if (*place != nullptr) {
    return;  // known
  }
  for (const Question& question : left) {
    *place = std::make_unique<Node>();
    (*place)->question = question;
    place = &(*place)->answers[answer(image, question)];
  }
  *place = std::make_unique<Node>();
  (*place)->job = job;
}

}  // namespace crashpoint::explore
