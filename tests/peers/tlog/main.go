// Reads a tiled log with Go's own packages for transparency logs: whether they agree with what molthub writes.
//
// tlog FOLDER KEY [CHECKPOINT...] opens the checkpoint in FOLDER, proves its entries (of many, some thousand) to be in the
// log, and each of the older checkpoints to be its beginning. It prints how many entries there are.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

type folder string

func (f folder) Height() int { return height }

func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	found := make([][]byte, len(tiles))
	for at, tile := range tiles {
		// C2SP tlog-tiles leaves the height out of a tile's path.
		path := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", height), "tile/", 1)
		content, err := os.ReadFile(filepath.Join(string(f), path))
		if err != nil {
			return nil, err
		}
		found[at] = content
	}
	return found, nil
}

func (f folder) entries(size int64) ([][]byte, error) {
	var found [][]byte
	for int64(len(found)) < size {
		tile := tlog.Tile{H: height, L: -1, N: int64(len(found)) >> height, W: 1 << height}
		if left := size - int64(len(found)); left < 1<<height {
			tile.W = int(left)
		}
		path := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/data/", height), "tile/entries/", 1)
		content, err := os.ReadFile(filepath.Join(string(f), path))
		if err != nil {
			return nil, err
		}
		for len(content) > 0 {
			length := int(binary.BigEndian.Uint16(content))
			found = append(found, content[2:2+length])
			content = content[2+length:]
		}
	}
	return found, nil
}

func open(path string, verifier note.Verifier) (tlog.Tree, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return tlog.Tree{}, err
	}
	signed, err := note.Open(content, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(signed.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return tlog.Tree{}, fmt.Errorf("no root: %q", lines[2])
	}
	return tlog.Tree{N: size, Hash: tlog.Hash(root)}, nil
}

func check(where folder, key string, older []string) (int, error) {
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return 0, err
	}
	tree, err := open(filepath.Join(string(where), "checkpoint"), verifier)
	if err != nil {
		return 0, err
	}
	reader := tlog.TileHashReader(tree, where)
	entries, err := where.entries(tree.N)
	if err != nil {
		return 0, err
	}
	for at := 0; at < len(entries); at += len(entries)/1000 + 1 {
		proof, err := tlog.ProveRecord(tree.N, int64(at), reader)
		if err != nil {
			return 0, err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, int64(at), tlog.RecordHash(entries[at])); err != nil {
			return 0, fmt.Errorf("entry %d: %w", at, err)
		}
	}
	for _, path := range older {
		before, err := open(path, verifier)
		if err != nil {
			return 0, err
		}
		proof, err := tlog.ProveTree(tree.N, before.N, reader)
		if err != nil {
			return 0, err
		}
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, before.N, before.Hash); err != nil {
			return 0, fmt.Errorf("%s: %w", path, err)
		}
	}
	return len(entries), nil
}

func main() {
	count, err := check(folder(os.Args[1]), os.Args[2], os.Args[3:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(count)
}
