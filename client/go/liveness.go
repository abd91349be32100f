package semanas

// Which connections are dead. grpc-go finds that out by its keepalive, after 25 s; a watch with short heartbeats that hears nothing
// for three of them knows it earlier, and must not be resumed over the same dead connection. A connection that has brought
// anything at all in that time, for whichever call, is left alone.

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/credentials"
)

// connections are the open ones of a client.
type connections struct {
	mutex sync.Mutex
	open  map[*heardConn]struct{}
}

// heardConn remembers when it was last heard.
type heardConn struct {
	net.Conn
	of      *connections
	heardAt atomic.Int64
}

// Read reads, and notes that something came.
func (h *heardConn) Read(into []byte) (int, error) {
	count, err := h.Conn.Read(into)
	if count > 0 {
		h.heardAt.Store(time.Now().UnixNano())
	}
	return count, err
}

// Close closes and forgets the connection.
func (h *heardConn) Close() error {
	h.of.mutex.Lock()
	delete(h.of.open, h)
	h.of.mutex.Unlock()
	return h.Conn.Close()
}

// closeSilent closes the connections that nothing was heard on since then.
func (c *connections) closeSilent(since time.Time) {
	c.mutex.Lock()
	var silent []*heardConn
	for one := range c.open {
		if one.heardAt.Load() < since.UnixNano() {
			silent = append(silent, one)
		}
	}
	c.mutex.Unlock()
	for _, one := range silent {
		// Whether it could still say goodbye does not matter.
		_ = one.Close()
	}
}

// listening lets connections hear each one that is made with the credentials; they are where grpc-go shows it, also behind a proxy.
type listening struct {
	credentials.TransportCredentials
	connections *connections
}

// ClientHandshake shakes hands over a connection that is heard.
func (l listening) ClientHandshake(
	ctx context.Context, authority string, raw net.Conn,
) (net.Conn, credentials.AuthInfo, error) {
	heard := &heardConn{Conn: raw, of: l.connections}
	heard.heardAt.Store(time.Now().UnixNano())
	made, info, err := l.TransportCredentials.ClientHandshake(ctx, authority, heard)
	if err == nil {
		l.connections.mutex.Lock()
		l.connections.open[heard] = struct{}{}
		l.connections.mutex.Unlock()
	}
	return made, info, err
}

// Clone copies the credentials; the copy is heard as well.
func (l listening) Clone() credentials.TransportCredentials {
	return listening{TransportCredentials: l.TransportCredentials.Clone(), connections: l.connections}
}
