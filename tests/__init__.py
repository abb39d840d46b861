"""Tests of Kedge: the folders mirror the rooms, `support` holds what several of them share."""
