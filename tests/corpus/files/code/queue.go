// Package queue keeps parcels in the order in which a rider can deliver them.
package queue

import (
	"errors"
	"sort"
	"time"
)

// ErrFull is returned when the box of the bicycle can take no more.
var ErrFull = errors.New("queue: the box is full to the brim")

// Parcel is something that somebody waits for.
type Parcel struct {
	Address string
	Litres  float64
	Due     time.Time
}

// Queue sorts by the time at which a parcel is due, not by distance.
type Queue struct {
	parcels []Parcel
	room    float64
}

// Add puts a parcel into the box if there is room left for it.
func (q *Queue) Add(p Parcel) error {
	if p.Litres > q.room {
		return ErrFull
	}
	q.room -= p.Litres
	q.parcels = append(q.parcels, p)
	sort.SliceStable(q.parcels, func(i, j int) bool {
		return q.parcels[i].Due.Before(q.parcels[j].Due)
	})
	return nil
}
