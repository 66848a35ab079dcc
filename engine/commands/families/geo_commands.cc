// Places on the earth: sorted sets whose scores are geohashes.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/text.h"
#include "engine/commands/dispatch/context.h"
#include "engine/commands/dispatch/handlers.h"
#include "engine/commands/families/geohash.h"
#include "engine/commands/families/partial_sort.h"
#include "engine/commands/families/sorted_set_add.h"

namespace engine::commands {
namespace {

using keyspace::KeyEntry;
using keyspace::Object;
using keyspace::SortedSet;
using keyspace::Type;

// --- arguments: the error has been replied when nothing is returned ---

std::optional<GeoPoint> place_at(Context& c, std::size_t index) {
  const auto longitude = c.number(index);
  if (!longitude) {
    return std::nullopt;
  }
  const auto latitude = c.number(index + 1);
  if (!latitude) {
    return std::nullopt;
  }
  const GeoPoint place{*longitude, *latitude};
  if (!place.is_on_map()) {
    c.error(fmt::format("ERR invalid longitude,latitude pair {:f},{:f}", *longitude, *latitude));
    return std::nullopt;
  }
  return place;
}

std::optional<double> unit_at(Context& c, std::size_t index) {
  constexpr std::pair<std::string_view, double> kUnits[] = {
      {"m", 1}, {"km", 1000}, {"ft", 0.3048}, {"mi", 1609.34}};
  for (const auto& [name, metres] : kUnits) {
    if (c.is_word(index, name)) {
      return metres;
    }
  }
  c.error("ERR unsupported unit provided. please use M, KM, FT, MI");
  return std::nullopt;
}

// "<radius> <unit>"
bool read_circle(Context& c, std::size_t index, GeoShape& shape) {
  const auto radius = c.number(index, "ERR need numeric radius");
  if (!radius) {
    return false;
  }
  if (*radius < 0) {
    c.error("ERR radius cannot be negative");
    return false;
  }
  const auto unit = unit_at(c, index + 1);
  if (!unit) {
    return false;
  }
  shape.radius = *radius;
  shape.unit_m = *unit;
  return true;
}

// "<width> <height> <unit>"
bool read_box(Context& c, std::size_t index, GeoShape& shape) {
  const auto width = c.number(index, "ERR need numeric width");
  if (!width) {
    return false;
  }
  const auto height = c.number(index + 1, "ERR need numeric height");
  if (!height) {
    return false;
  }
  if (*width < 0 || *height < 0) {
    c.error("ERR height or width cannot be negative");
    return false;
  }
  const auto unit = unit_at(c, index + 2);
  if (!unit) {
    return false;
  }
  shape.is_box = true;
  shape.width = *width;
  shape.height = *height;
  shape.unit_m = *unit;
  return true;
}

// The sorted set of this key, to be read; null: no such key. False when the key holds another type.
bool read_sorted_set(Context& c, std::string_view key, const SortedSet*& zset) {
  KeyEntry* entry = c.find_to_read(key);
  zset = entry == nullptr || entry->object.type() != Type::kSortedSet ? nullptr
                                                                      : &entry->object.sorted_set();
  return !c.wrong_type(entry, Type::kSortedSet);
}

std::optional<GeoPoint> place_of_member(const SortedSet* zset, std::string_view member) {
  const auto score = zset == nullptr ? std::nullopt : zset->score(member);
  return score ? std::optional(place_of(*score)) : std::nullopt;
}

void reply_place(Context& c, const GeoPoint& place) {
  c.reply.array(2);
  c.reply.number(std::string_view(format_long_double(place.longitude)));
  c.reply.number(std::string_view(format_long_double(place.latitude)));
}

void reply_distance(Context& c, double distance) {
  c.reply.bulk(fmt::format("{:.4f}", distance));
}

// --- search ---

enum class Order { kNone, kNearest, kFarthest };

struct Search {
  const SortedSet* zset = nullptr;
  GeoShape shape;
  bool has_center = false;  // of GEOSEARCH: which of the two was given
  bool from_member = false;
  bool has_shape = false;
  bool with_distance = false;
  bool with_hash = false;
  bool with_place = false;
  Order order = Order::kNone;
  std::int64_t count = 0;  // 0: all
  bool any = false;
  std::optional<std::string_view> store;
  bool store_distance = false;
};

struct Found {
  std::string member;
  double score = 0;
  GeoPoint place{};
  double distance = 0;  // in metres
};

enum class SearchForm { kRadius, kRadiusReadOnly, kSearch, kSearchStore };

bool take_center_of_member(Context& c, std::size_t index, Search& search) {
  const auto place = place_of_member(search.zset, c.argv[index]);
  if (!place) {
    c.error("ERR could not decode requested zset member");
    return false;
  }
  search.shape.center = *place;
  return true;
}

// FROMMEMBER, FROMLONLAT, BYRADIUS, BYBOX at `i`, which is moved to the last argument read. Nothing
// when it is none of them; false: the error has been replied.
std::optional<bool> read_where(Context& c, std::size_t& i, Search& search) {
  const auto left = c.argv.size() - i - 1;
  const std::size_t first = i + 1;
  if (c.is_word(i, "FROMMEMBER") && left >= 1 && (!search.has_center || search.from_member)) {
    search.has_center = search.from_member = true;
    i += 1;
    // Where there is no such key the reply is known, whatever the member is.
    return search.zset == nullptr || take_center_of_member(c, first, search);
  }
  if (c.is_word(i, "FROMLONLAT") && left >= 2 && !search.from_member) {
    const auto place = place_at(c, first);
    search.has_center = true;
    search.shape.center = place.value_or(GeoPoint{});
    i += 2;
    return place.has_value();
  }
  if (c.is_word(i, "BYRADIUS") && left >= 2 && !search.shape.is_box) {
    search.has_shape = true;
    i += 2;
    return read_circle(c, first, search.shape);
  }
  if (c.is_word(i, "BYBOX") && left >= 3 && (!search.has_shape || search.shape.is_box)) {
    search.has_shape = true;
    i += 3;
    return read_box(c, first, search.shape);
  }
  return std::nullopt;
}

bool read_options(Context& c, std::size_t first, SearchForm form, Search& search) {
  const bool is_search = form == SearchForm::kSearch || form == SearchForm::kSearchStore;
  for (std::size_t i = first; i < c.argv.size(); ++i) {
    const bool has_next = i + 1 < c.argv.size();
    if (c.is_word(i, "WITHDIST")) {
      search.with_distance = true;
    } else if (c.is_word(i, "WITHHASH")) {
      search.with_hash = true;
    } else if (c.is_word(i, "WITHCOORD")) {
      search.with_place = true;
    } else if (c.is_word(i, "ANY")) {
      search.any = true;
    } else if (c.is_word(i, "ASC")) {
      search.order = Order::kNearest;
    } else if (c.is_word(i, "DESC")) {
      search.order = Order::kFarthest;
    } else if (c.is_word(i, "COUNT") && has_next) {
      const auto count = c.integer(++i);
      if (!count) {
        return false;
      }
      if (*count <= 0) {
        c.error("ERR COUNT must be > 0");
        return false;
      }
      search.count = *count;
    } else if (form == SearchForm::kRadius && has_next &&
               (c.is_word(i, "STORE") || c.is_word(i, "STOREDIST"))) {
      search.store_distance = c.is_word(i, "STOREDIST");
      search.store = c.argv[++i];
    } else if (form == SearchForm::kSearchStore && c.is_word(i, "STOREDIST")) {
      search.store_distance = true;
    } else {
      const std::optional<bool> done = is_search ? read_where(c, i, search) : std::nullopt;
      if (!done) {
        c.error(errors::kSyntax);
      }
      if (!done.value_or(false)) {
        return false;
      }
    }
  }
  return true;
}

// Whether the options can be combined; replies the error.
bool are_consistent(Context& c, SearchForm form, const Search& search) {
  const bool is_search = form == SearchForm::kSearch || form == SearchForm::kSearchStore;
  const std::string name(c.argv[0]);
  if (search.store && (search.with_distance || search.with_hash || search.with_place)) {
    c.error(std::string("ERR ") + (is_search ? "GEOSEARCHSTORE" : "STORE option in GEORADIUS") +
            " is not compatible with WITHDIST, WITHHASH and WITHCOORD options");
  } else if (is_search && !search.has_center) {
    c.error("ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for " + name);
  } else if (is_search && !search.has_shape) {
    c.error("ERR exactly one of BYRADIUS and BYBOX can be specified for " + name);
  } else if (search.any && search.count == 0) {
    c.error("ERR the ANY argument requires COUNT argument");
  } else {
    return true;
  }
  return false;
}

std::vector<Found> find_places(const Search& search) {
  std::vector<Found> found;
  const std::size_t enough =
      search.any ? static_cast<std::size_t>(search.count) : std::numeric_limits<std::size_t>::max();
  for (const ScoreRange& range : boxes_around(search.shape)) {
    const std::size_t rank = search.zset->count_below_score(range.min, false);
    auto cursor = search.zset->at(rank);
    for (std::size_t left = search.zset->size() - rank; left > 0 && found.size() < enough; --left) {
      const SortedSet::Entry entry = cursor.get();
      if (entry.score >= range.max) {
        break;
      }
      const GeoPoint place = place_of(entry.score);
      if (const auto distance = search.shape.distance_within(place)) {
        found.push_back({entry.member.str(), entry.score, place, *distance});
      }
      cursor.next();
    }
  }
  return found;
}

void sort_found(std::vector<Found>& found, Order order, std::size_t wanted) {
  const auto compare = [order](const Found& a, const Found& b) {
    const int nearer = a.distance > b.distance ? 1 : a.distance == b.distance ? 0 : -1;
    return order == Order::kNearest ? nearer : -nearer;
  };
  if (wanted == found.size()) {
    std::stable_sort(found.begin(), found.end(),
                     [&compare](const Found& a, const Found& b) { return compare(a, b) < 0; });
  } else {
    PartialSort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(wanted), compare)
        .sort(found.begin(), found.end());
  }
}

void reply_found(Context& c, const Search& search, const std::vector<Found>& found) {
  const int parts =
      (search.with_distance ? 1 : 0) + (search.with_hash ? 1 : 0) + (search.with_place ? 1 : 0);
  c.reply.array(found.size());
  for (const Found& each : found) {
    if (parts > 0) {
      c.reply.array(static_cast<std::size_t>(parts) + 1);
    }
    c.reply.bulk(each.member);
    if (search.with_distance) {
      reply_distance(c, each.distance / search.shape.unit_m);
    }
    if (search.with_hash) {
      c.reply.integer(static_cast<std::int64_t>(each.score));
    }
    if (search.with_place) {
      reply_place(c, each.place);
    }
  }
}

void store_found(Context& c, const Search& search, const std::vector<Found>& found) {
  const bool is_search = c.spec.name == "GEOSEARCHSTORE";
  auto zset = std::make_unique<SortedSet>();
  for (const Found& each : found) {
    const double score = search.store_distance ? each.distance / search.shape.unit_m : each.score;
    zset->set(each.member, score, c.limits());
  }
  c.store(*search.store,
          found.empty() ? std::nullopt : std::optional(Object::sorted_set(std::move(zset))),
          {kSortedSetEvent, is_search ? "geosearchstore" : "georadiusstore"}, found.size());
  c.reply.integer(static_cast<std::int64_t>(found.size()));
}

void run(Context& c, Search& search) {
  std::vector<Found> found;
  if (search.zset != nullptr) {
    found = find_places(search);
    const auto count = static_cast<std::size_t>(search.count);
    const std::size_t wanted = count == 0 ? found.size() : std::min(count, found.size());
    // With COUNT the nearest are meant, unless ANY was given.
    const Order order =
        search.order == Order::kNone && count != 0 && !search.any ? Order::kNearest : search.order;
    if (order != Order::kNone && !found.empty()) {
      sort_found(found, order, wanted);
    }
    found.resize(wanted);
  }
  return search.store ? store_found(c, search, found) : reply_found(c, search, found);
}

void search_by_shape(Context& c, SearchForm form) {
  const bool stores = form == SearchForm::kSearchStore;
  Search search;
  if (!read_sorted_set(c, c.argv[stores ? 2 : 1], search.zset)) {
    return;
  }
  if (stores) {
    search.store = c.argv[1];
  }
  if (read_options(c, stores ? 3 : 2, form, search) && are_consistent(c, form, search)) {
    run(c, search);
  }
}

void search_around_place(Context& c, SearchForm form) {
  Search search;
  if (!read_sorted_set(c, c.argv[1], search.zset)) {
    return;
  }
  const auto place = place_at(c, 2);
  if (!place || !read_circle(c, 4, search.shape)) {
    return;
  }
  search.shape.center = *place;
  if (read_options(c, 6, form, search) && are_consistent(c, form, search)) {
    run(c, search);
  }
}

void search_around_member(Context& c, SearchForm form) {
  Search search;
  if (!read_sorted_set(c, c.argv[1], search.zset)) {
    return;
  }
  if (search.zset != nullptr &&
      (!take_center_of_member(c, 2, search) || !read_circle(c, 3, search.shape))) {
    return;
  }
  if (read_options(c, 5, form, search) && are_consistent(c, form, search)) {
    run(c, search);
  }
}

}  // namespace

// GEOADD key [NX|XX] [CH] longitude latitude member ...
void geoadd_command(Context& c) {
  AddOptions options;
  std::size_t first = 2;
  for (; first < c.argv.size(); ++first) {
    if (c.is_word(first, "NX")) {
      options.only_new = true;
    } else if (c.is_word(first, "XX")) {
      options.only_existing = true;
    } else if (c.is_word(first, "CH")) {
      options.count_changed = true;
    } else {
      break;
    }
  }
  if (first == c.argv.size() || (c.argv.size() - first) % 3 != 0 ||
      (options.only_new && options.only_existing)) {
    return c.error(errors::kSyntax);
  }
  std::vector<ScoredMember> members;
  for (std::size_t i = first; i < c.argv.size(); i += 3) {
    const auto place = place_at(c, i);
    if (!place) {
      return;
    }
    members.push_back({geo_score(*place), c.argv[i + 2]});
    c.outcome.scores.push_back(members.back().score);
  }
  add_members(c, options, std::move(members));
}

void geodist_command(Context& c) {
  double unit_m = 1;
  if (c.argv.size() > 5) {
    return c.error(errors::kSyntax);
  }
  if (c.argv.size() == 5) {
    const auto unit = unit_at(c, 4);
    if (!unit) {
      return;
    }
    unit_m = *unit;
  }
  const SortedSet* zset = nullptr;
  if (!read_sorted_set(c, c.argv[1], zset)) {
    return;
  }
  const auto from = place_of_member(zset, c.argv[2]);
  const auto to = place_of_member(zset, c.argv[3]);
  return from && to ? reply_distance(c, distance_m(*from, *to) / unit_m) : c.reply.null();
}

void geohash_command(Context& c) {
  const SortedSet* zset = nullptr;
  if (!read_sorted_set(c, c.argv[1], zset)) {
    return;
  }
  c.reply.array(c.argv.size() - 2);
  for (const std::string_view member : c.argv.subspan(2)) {
    if (const auto place = place_of_member(zset, member)) {
      c.reply.bulk(geohash_text(*place));
    } else {
      c.reply.null();
    }
  }
}

void geopos_command(Context& c) {
  const SortedSet* zset = nullptr;
  if (!read_sorted_set(c, c.argv[1], zset)) {
    return;
  }
  c.reply.array(c.argv.size() - 2);
  for (const std::string_view member : c.argv.subspan(2)) {
    if (const auto place = place_of_member(zset, member)) {
      reply_place(c, *place);
    } else {
      c.reply.null_array();
    }
  }
}

void georadius_command(Context& c) {
  search_around_place(c, SearchForm::kRadius);
}

void georadius_ro_command(Context& c) {
  search_around_place(c, SearchForm::kRadiusReadOnly);
}

void georadiusbymember_command(Context& c) {
  search_around_member(c, SearchForm::kRadius);
}

void georadiusbymember_ro_command(Context& c) {
  search_around_member(c, SearchForm::kRadiusReadOnly);
}

void geosearch_command(Context& c) {
  search_by_shape(c, SearchForm::kSearch);
}

void geosearchstore_command(Context& c) {
  search_by_shape(c, SearchForm::kSearchStore);
}

}  // namespace engine::commands
