package inventory

import (
	"errors"
	"fmt"
	"sort"
	"strings"
)

// ErrMissing says that an item is not in the store.
var ErrMissing = errors.New("no such item")

// Item is one thing on a shelf.
type Item struct {
	Name  string
	Count int
	Price float64
}

// Store holds items by name.
type Store struct {
	items map[string]*Item
	limit int
}

// New makes an empty store that holds at most so many kinds of items.
func New(limit int) *Store {
	return &Store{items: make(map[string]*Item), limit: limit}
}

// Add puts items in, and fails where there is no room.
func (s *Store) Add(name string, count int, price float64) error {
	key := normalize(name)
	if item, ok := s.items[key]; ok {
		item.Count += count
		return nil
	}
	if len(s.items) >= s.limit {
		return fmt.Errorf("no room for %q: %d kinds at most", name, s.limit)
	}
	s.items[key] = &Item{Name: name, Count: count, Price: price}
	return nil
}

// Take removes items.
func (s *Store) Take(name string, count int) error {
	item, ok := s.items[normalize(name)]
	if !ok {
		return ErrMissing
	}
	if item.Count < count {
		return fmt.Errorf("only %d of %s", item.Count, item.Name)
	}
	// An empty shelf is free for something else.
	item.Count -= count
	if item.Count == 0 {
		delete(s.items, normalize(name))
	}
	return nil
}

// Total is what everything is worth.
func (s *Store) Total() float64 {
	total := 0.0
	for _, item := range s.items {
		total += float64(item.Count) * item.Price
	}
	return total
}

// Names lists all names, sorted.
func (s *Store) Names() []string {
	names := make([]string, 0, len(s.items))
	for _, item := range s.items {
		names = append(names, item.Name)
	}
	sort.Strings(names)
	return names
}

func normalize(name string) string {
	return strings.ToLower(strings.TrimSpace(name))
}

func discount(price float64, percent int) float64 {
	if percent <= 0 {
		return price
	}
	if percent >= 100 {
		return 0
	}
	return price * float64(100-percent) / 100
}

// Cheapest returns the item with the lowest price after a discount.
func (s *Store) Cheapest(percent int) (*Item, error) {
	var best *Item
	for _, item := range s.items {
		if best == nil || discount(item.Price, percent) < discount(best.Price, percent) {
			best = item
		}
	}
	if best == nil {
		return nil, ErrMissing
	}
	return best, nil
}

func chunks(names []string, size int) [][]string {
	var found [][]string
	for start := 0; start < len(names); start += size {
		end := start + size
		if end > len(names) {
			end = len(names)
		}
		found = append(found, names[start:end])
	}
	return found
}
